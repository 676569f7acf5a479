"""One module per page; each has one function, `show`, that draws it."""
