"""Many traces as one dataset: chosen, checked, split and written in shards; a kill and a second run lose nothing."""
