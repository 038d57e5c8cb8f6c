"""The marshmallow schemas of jobs, and the parts that they are made of."""
