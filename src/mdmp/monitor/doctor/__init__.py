"""Why would a crash leave no dump here? Facts are gathered first; the checks are pure functions of them."""
