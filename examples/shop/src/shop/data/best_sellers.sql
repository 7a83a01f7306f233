-- The products that brought in the most, the best first.
SELECT
    order_lines.sku AS sku,
    sum(quantity) AS pieces,
    CAST(sum(quantity * unit_price_minor - order_lines.discount_minor) AS bigint) AS revenue
FROM order_lines
JOIN orders ON orders.id = order_lines.order_id
WHERE orders.status IN ('paid', 'shipped')
    AND orders.placed_at >= :since
    AND orders.placed_at < :until
GROUP BY order_lines.sku
ORDER BY revenue DESC, order_lines.sku
LIMIT :most
