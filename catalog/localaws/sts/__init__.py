"""AWS Security Token Service: sessions of roles that exist and trust their caller."""
