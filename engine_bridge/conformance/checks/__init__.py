"""One function per promise: it takes a trial and returns evidence."""
