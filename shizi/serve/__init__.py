"""Reading for others: an HTTP API and a web page, thin over jobs and formats."""
