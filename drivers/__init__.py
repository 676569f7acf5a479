"""Device drivers, one folder each: manifest, wire codec, driver."""
