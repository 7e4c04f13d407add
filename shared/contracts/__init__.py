"""The only language the services share: envelope, topics, and one file of events per publishing service."""
