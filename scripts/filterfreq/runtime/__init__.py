"""What runs the work: jobs, processes, files, messages. Nothing in here changes a number."""
