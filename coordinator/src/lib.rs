//! The coordinator: the scheduler behind a durable ledger, a projection, effects, NATS and HTTP.
