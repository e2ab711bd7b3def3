"""The emulated Amazon EventBridge: rules are moto's; matching and delivery happen here."""
