-- Sales by day (UTC), of orders that were paid for; days without any are left out.
SELECT
    CAST(orders.placed_at AS date) AS day,
    count(*) AS orders,
    CAST(sum(sold.pieces) AS bigint) AS pieces,
    CAST(sum(orders.total_minor) AS bigint) AS revenue
FROM orders
JOIN (
    SELECT order_id, sum(quantity) AS pieces
    FROM order_lines
    GROUP BY order_id
) AS sold ON sold.order_id = orders.id
WHERE orders.status IN ('paid', 'shipped')
    AND orders.placed_at >= :since
    AND orders.placed_at < :until
GROUP BY day
ORDER BY day
