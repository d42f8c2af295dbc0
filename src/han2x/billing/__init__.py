"""Where tariffs and prices come from: files, and the web. What is made of them is in `tariff`."""
