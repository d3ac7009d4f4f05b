// This page is of one origin, the API of another: what it may read there, the API's chain says.
(async () => {
  const response = await fetch("http://api.localhost:8500/orders/7");
  document.getElementById("orders").textContent = await response.text();
  document.getElementById("left").textContent = response.headers.get("ratelimit");
})();
