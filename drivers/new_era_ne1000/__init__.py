"""New Era NE-1000 series syringe pumps."""
