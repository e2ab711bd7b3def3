"""CodeCommit: repositories, commits and pull requests over real bare Git repositories."""
