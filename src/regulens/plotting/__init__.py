"""Drawing utilities: sizes and colours, logos, boxes and arrows; independent of the studies."""
