"""What an impression costs as things grow."""
