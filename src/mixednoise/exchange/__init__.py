"""Exchange with other tools: an audit in their formats, their decisions back into ours."""
