"""CodeConnections, and a double of the Git providers behind it."""
