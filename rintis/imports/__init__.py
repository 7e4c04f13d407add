"""Files of an employer or a dinas: read line by line, sent in parts, answered line by line."""
