"""What deciding and its state cost by themselves, without a broker."""
