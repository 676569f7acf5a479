"""An openly documented absorbance plate reader on a byte line."""
