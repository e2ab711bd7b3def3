"""AWS Identity and Access Management: moto's, plus what moto lets pass and cannot do."""
