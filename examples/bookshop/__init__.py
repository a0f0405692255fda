"""A small shop: `covet run examples.bookshop.app:main`."""
