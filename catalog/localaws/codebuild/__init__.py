"""CodeBuild: build projects, and builds that really run their buildspec."""
