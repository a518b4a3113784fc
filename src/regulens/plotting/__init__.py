"""How things look: sizes and colours, logos, boxes and arrows; knows no study."""
