"""Reports: what people look at, made from plain records."""
