"""Where a call may go, and in which order: pure functions of a policy and a moment. Nothing here asks a provider."""
