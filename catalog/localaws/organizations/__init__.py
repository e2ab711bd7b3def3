"""AWS Organizations: accounts in OUs, trusted access, delegated administrators."""
