"""What a device is: contracts, manifests, registry, device host, streams."""
