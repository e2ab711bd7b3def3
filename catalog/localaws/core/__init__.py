"""Gateway, accounts, credentials, authorisation, faults and the HTTP server."""
