"""Several supervised engines as one EngineBridge, whose frames are proven before anybody gets them."""
