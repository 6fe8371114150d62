"""Speed and success, measured side by side in one run."""
