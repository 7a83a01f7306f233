-- Orders of one to three lines, one every two minutes; every tenth was cancelled.
WITH placed AS (
    INSERT INTO orders
        (id, customer_id, status, charge_id, total_minor, placed_at)
    SELECT
        gen_random_uuid(), :customer,
        CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE 'paid' END, 'ch_' || n,
        0, CAST(:since AS timestamptz) + n * interval '2 minutes'
    FROM generate_series(0, :orders - 1) n
    RETURNING id, charge_id
)
INSERT INTO order_lines
    (order_id, position, product_id, sku, name, quantity, unit_price_minor,
     vat_rate)
SELECT
    id, position, :product + (n * 7 + position) % 50,
    'P' || (n * 7 + position) % 50, 'Product', 1 + n % 4, 100 + n % 900, 1900
FROM
    (SELECT id, substr(charge_id, 4)::int AS n FROM placed) numbered,
    generate_series(1, 1 + n % 3) position
