"""What comes out: tables for people, files for tools, run folders and one plot."""
