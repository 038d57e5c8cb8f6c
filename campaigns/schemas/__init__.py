"""marshmallow schemas: jobs in, gateway answers in."""
