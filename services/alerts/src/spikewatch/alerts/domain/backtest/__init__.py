"""What rules would have raised on a history: alarms a year, hits on labelled spikes, precision at a budget."""
