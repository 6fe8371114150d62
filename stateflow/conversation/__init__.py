"""What has been said: messages, the transcript, the view guards get, who can speak."""
