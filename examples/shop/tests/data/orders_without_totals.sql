-- As the shop knew orders before their total was kept; the first has no lines.
INSERT INTO customers (email, password_hash) VALUES ('old@shop.test', 'none');
INSERT INTO products (sku, name, price_minor) VALUES ('A', 'Anchor', 1);
INSERT INTO orders (id, customer_id, status, shipping_minor, discount_minor, placed_at)
SELECT lpad(n::text, 32, '0')::uuid, 1, 'pending', 490, n % 50, now()
FROM generate_series(0, 19999) n;
INSERT INTO order_lines
    (order_id, position, product_id, sku, name, quantity, unit_price_minor, vat_rate)
SELECT lpad(n::text, 32, '0')::uuid, position, 1, 'A', 'Anchor', position, 100 + n % 7, 1900
FROM generate_series(1, 19999) n, generate_series(1, 3) position;
