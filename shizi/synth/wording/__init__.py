"""What synthetic pictures say."""
