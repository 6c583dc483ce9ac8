"""From a request's body to drafts: admission, sweep expansion, imported files, bulk changes."""
