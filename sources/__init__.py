"""One door a vendor: streams said as data, record models, the write calls; the HTTP seam."""
