"""Subscribe to Spikewatch's alerts with plain aiokafka (pip install aiokafka cramjam).

    KAFKA_BOOTSTRAP=127.0.0.1:9092 python alerts.py            # follow for ever
    KAFKA_BOOTSTRAP=127.0.0.1:9092 ALERTS=1 python alerts.py   # end after one

The topic is compacted: from the earliest offset it gives the current state of every alert, then each change. The key is the
alert's id, the value its whole state with the explanation; a null value takes the alert back for good. Delivery is at least
once: keep the highest `version` of each `alert_id`, ignore fields you do not know.
"""

import asyncio
import json
import os

from aiokafka import AIOKafkaConsumer

BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:9092")
WANTED = int(os.environ.get("ALERTS", "0"))  # 0: for ever


async def main() -> None:
    """Print one line for each change of an alert."""
    consumer = AIOKafkaConsumer(
        "overdose.alerts.v1",
        bootstrap_servers=BOOTSTRAP,
        group_id=os.environ.get("KAFKA_GROUP", "example-alerts-python"),  # remembers how far you have read
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    newest: dict[str, int] = {}
    await consumer.start()
    try:
        async for record in consumer:
            if record.value is not None:
                alert = json.loads(record.value)
                if alert["version"] > newest.get(alert["alert_id"], 0):
                    newest[alert["alert_id"]] = alert["version"]
                    print(f"{alert['change']:9} {alert['area']}: {alert['explanation']}", flush=True)
                    for contact in alert.get("contacts", []):
                        print(
                            f"          tell {contact['organization']} ({contact['role']}): {contact.get('phone') or contact.get('email')}",
                            flush=True,
                        )
            await consumer.commit()  # only now: a crash above means the same alert again, never a lost one
            if WANTED and len(newest) >= WANTED:
                return
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
