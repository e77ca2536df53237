"""What a client sends: files and options of a request, pages that were read before."""
