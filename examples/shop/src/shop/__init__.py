"""A small web shop: catalogue, carts, orders and payments."""
