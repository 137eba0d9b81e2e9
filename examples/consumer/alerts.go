// Subscribe to Spikewatch's alerts with franz-go.
//
//	KAFKA_BOOTSTRAP=127.0.0.1:9092 go run .            # follow for ever
//	KAFKA_BOOTSTRAP=127.0.0.1:9092 ALERTS=1 go run .   # end after one
//
// The topic is compacted: from the earliest offset it gives the current state of every alert, then each change. The key is
// the alert's id, the value its whole state with the explanation; a null value takes the alert back for good. Delivery is at
// least once: keep the highest version of each alert_id, ignore fields you do not know.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

type alert struct {
	ID          string `json:"alert_id"`
	Version     int    `json:"version"`
	Change      string `json:"change"`
	Area        string `json:"area"`
	Explanation string `json:"explanation"`
	Contacts    []struct {
		Organization string `json:"organization"`
		Role         string `json:"role"`
		Email        string `json:"email"`
		Phone        string `json:"phone"`
	} `json:"contacts"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	wanted, _ := strconv.Atoi(os.Getenv("ALERTS")) // 0: for ever
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(cmp.Or(os.Getenv("KAFKA_BOOTSTRAP"), "127.0.0.1:9092"), ",")...),
		kgo.ConsumerGroup(cmp.Or(os.Getenv("KAFKA_GROUP"), "example-alerts-go")), // remembers how far you have read
		kgo.ConsumeTopics("overdose.alerts.v1"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	newest := map[string]int{}
	for ctx.Err() == nil && (wanted == 0 || len(newest) < wanted) {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) { log.Print(err) }) // the client goes on by itself
		fetches.EachRecord(func(record *kgo.Record) {
			var a alert
			if record.Value == nil || json.Unmarshal(record.Value, &a) != nil || a.Version <= newest[a.ID] {
				return
			}
			newest[a.ID] = a.Version
			fmt.Printf("%-9s %s: %s\n", a.Change, a.Area, a.Explanation)
			for _, c := range a.Contacts {
				fmt.Printf("          tell %s (%s): %s\n", c.Organization, c.Role, cmp.Or(c.Phone, c.Email))
			}
		})
		// Only now: a crash above means the same alerts again, never a lost one.
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			log.Print(err)
		}
	}
}
