"""Colour operations that look at the whole image, or change its layout."""
