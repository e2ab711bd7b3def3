"""{{ cookiecutter.project_name }}: data, features, model, evaluation and steps."""
