"""Flight delays: data, features, model, evaluation and steps."""
