"""The product at work on one machine: a sandbox platform, a provider, a month."""
