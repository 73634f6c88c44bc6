"""The model of docs/model.md in numpy: what prompts files hold, encoders, selection, heads."""
