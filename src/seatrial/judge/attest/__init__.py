"""Signs what a trial and its verdict came to, and checks it where there are only the files."""
